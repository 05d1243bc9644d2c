"""Time and memory: interleaved timing, memory in separate processes, with the machine's load recorded."""
