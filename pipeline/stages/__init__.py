"""What the steps of the path mean: pages to crops, crops to lines, lines to a page, pages to records."""
