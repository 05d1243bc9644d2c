"""This machine's GPU: LiteRT's accelerator, and on NVIDIA ONNX Runtime's CUDA provider and PyTorch.

Everything runs in a process of its own (`edgeir.runtime.worker`): drivers crash, and what they write on stderr is the
only place where some runtimes say what they really use.
"""
