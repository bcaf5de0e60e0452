"""The catalog's tables, one noun a file; `Catalog` is all of them on one connection."""
