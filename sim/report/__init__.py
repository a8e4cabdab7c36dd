"""The report of a comparison, and the assurance log, as one HTML file each that needs no network."""
