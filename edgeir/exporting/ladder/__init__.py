"""Choose a precision: make and prove every file that a format can be, time them, and keep the fastest that passes."""
