"""The options by stage; config.settings puts them together and reads them."""
