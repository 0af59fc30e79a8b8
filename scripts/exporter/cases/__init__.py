"""The case list, one file a theme. A newcomer adds one entry to one of them."""
