"""Time and memory, fairly: in turns, in processes of their own, with the machine's load beside them."""
