"""The hall: its drawn day, its discipline, its people."""
