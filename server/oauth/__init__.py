"""OAuth: tokens of an identity provider, beside fleetlore's own. This server is a resource server, and nothing more."""
