"""The volume controllers: claims get volumes, volumes follow their claims, and what is in use stays where it is."""
