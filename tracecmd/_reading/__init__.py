"""From a selection to records: files made ready, streams chosen, time cut into windows."""
