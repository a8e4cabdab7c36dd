"""Networks: households, neighbours, friends and community groups, and the support they give."""
