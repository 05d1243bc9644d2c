package org.edgeir.app;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Calls what Android 7.0 has not; whoever calls it has asked for the version. The API check leaves it out. */
@Retention(RetentionPolicy.CLASS)
@Target({ElementType.METHOD, ElementType.CONSTRUCTOR, ElementType.TYPE})
public @interface Newer {
    /** The first version, {@code Build.VERSION.SDK_INT}, that has it. */
    int than();
}
