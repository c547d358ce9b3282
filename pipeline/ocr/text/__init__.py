"""What lines say: from the probabilities of characters to the text of a page."""
