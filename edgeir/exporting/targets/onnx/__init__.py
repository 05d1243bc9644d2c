"""ONNX (``.onnx``)."""
