"""Who is near whom: households, neighbours, friends, community groups, and the support they give."""
