"""Commands for an administrator of a running installation."""
