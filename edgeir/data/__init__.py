"""Images in, training patches out: sources, degradations, the decoded store and the patch sampler."""
