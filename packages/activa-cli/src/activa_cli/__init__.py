"""The command line, where simulator, model and evaluation meet."""
