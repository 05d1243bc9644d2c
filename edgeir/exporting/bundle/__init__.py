"""Bundles: model files with all that an app developer needs beside them, in one folder or zip; made and verified."""
