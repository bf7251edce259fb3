"""URL handlers under the names pyserial looks for."""
