"""Sources of single images: a folder, a standard set under ``$EDGEIR_DATA``, or the embedded photographs."""
