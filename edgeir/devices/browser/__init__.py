"""A browser as a device, and the page that restores photos in one: its server, and where it is built."""
