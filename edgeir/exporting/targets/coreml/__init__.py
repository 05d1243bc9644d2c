"""Core ML: ML programs in packages (``.mlpackage``)."""
