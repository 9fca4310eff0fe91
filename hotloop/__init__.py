"""hotloop: a just-in-time compiler for numerical Python."""

__version__ = "0.1.0.dev0"
