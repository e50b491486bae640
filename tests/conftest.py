"""Lets tests say `import writer`: pytest puts the folder of this file on the module path."""
