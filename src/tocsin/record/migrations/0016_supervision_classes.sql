-- How soon the loss of a device's path has to be told (EN 50136-1); empty: nobody has said.
ALTER TABLE ref.device ADD COLUMN supervision_class text NOT NULL DEFAULT ''
    CHECK (supervision_class IN
        ('', 'SP1', 'SP2', 'SP3', 'SP4', 'SP5', 'SP6', 'DP1', 'DP2', 'DP3', 'DP4'));
