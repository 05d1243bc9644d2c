"""Networks that edgeir did not write, from their files to a checkpoint that every command takes."""
