"""``edgeir android``: bundles packaged as an Android app, and the file that was written checked."""
