"""The synthetic city: streets, districts, stations, units and sites, all drawn from one seed."""
