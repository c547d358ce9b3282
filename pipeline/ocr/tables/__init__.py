"""What a network says of a table, and the lines upon it, to rows, columns and cells. Pure: arrays and text only."""
