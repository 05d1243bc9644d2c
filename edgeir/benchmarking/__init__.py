"""Quality and time of exported files, on real images and on this machine."""
