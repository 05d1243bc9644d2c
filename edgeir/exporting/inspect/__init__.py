"""What a model file is: its graph read from the file, whatever made it, and measured."""
