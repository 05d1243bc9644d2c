package org.edgeir.app.save;

import org.edgeir.app.queue.Job;

/** Names of results. */
final class Names {
    private Names() {}

    static String png(Job job) {
        return stem(job) + ".png";
    }

    static String jpeg(Job job) {
        return stem(job) + ".jpg";
    }

    private static String stem(Job job) {
        int dot = job.name.lastIndexOf('.');
        return (dot > 0 ? job.name.substring(0, dot) : job.name) + "-restored";
    }
}
