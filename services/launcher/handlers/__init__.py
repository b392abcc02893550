"""The launcher's reactions: commands, questions, the drivers of arrays and the observer."""
