"""The command line: a thin shell over the documented functions. Only this package prints and exits."""
