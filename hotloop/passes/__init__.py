"""Passes: Program -> Program, one file each; `pipeline` lists them in order with their reasons."""
