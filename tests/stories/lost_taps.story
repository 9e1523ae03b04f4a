-- A crew in a dead spot: its words come late, out of order or not at all, and none is lost.
unit E11 pump
unit A31 ambulance advanced_life_support
desk Li dispatcher

12:00:00 Li opens medical P1 at "Park Lane 9"
12:00:05 Li sends E11 A31 to 1
-- Neither receipt nor answer was heard; the first word is that it is there.
12:07:00 E11 reports at scene
12:07:00 expect order E11 state at scene
12:07:00 expect told "E11 accepted"
12:07:00 expect told "E11 under way"
12:07:02 E11 reports at scene - refused already_so: It is so already.
12:07:05 E11 accepts - refused already_so
12:07:10 E11 receives
12:07:10 expect order E11 state at scene
-- The ambulance speaks by radio; the desk enters it.
12:08:00 Li reports for A31: under way
12:14:00 Li reports for A31: transporting
12:14:00 expect order A31 state at scene
12:14:10 E11 reports in station
12:14:10 expect incident 1 units A31
12:14:20 E11 reports at scene - refused unit_has_no_order: E11 has no order to act on.
12:40:00 A31 reports returning
12:40:00 expect incident 1 units none
12:41:00 Li closes 1 as handled
