"""Small captures written for this project, and the program that makes them."""
