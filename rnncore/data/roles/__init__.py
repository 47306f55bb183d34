"""What the columns of a table are and how its rows form sequences."""
