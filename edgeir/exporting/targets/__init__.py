"""Target formats, one package each."""
