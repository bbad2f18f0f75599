"""Knowledge from and for elsewhere: what `fleetlore import` reads and what `fleetlore export` writes."""
