"""ncnn: a graph as text and its weights, by pnnx."""
