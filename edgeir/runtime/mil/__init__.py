"""Core ML packages (``.mlpackage``) executed as written, on any system: an interpreter of their program in torch."""
