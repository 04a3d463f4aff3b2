"""The cipher and the files its keys live in. Imports nothing else of ours."""
