"""The rules, a module for each: what it needs to know, its threshold with the source, its sentence and its remedy."""
