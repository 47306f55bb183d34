"""The article's example in other frameworks, each in an environment of its own."""
