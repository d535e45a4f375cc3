"""The canonical words of the bridge as pydantic models: petition, event, and the documents generated from them."""
