"""How the columns of tables of trainings look, wherever they stand."""

import streamlit as st

from pages import shared
from recsys.views.glossary import meaning

TRAINING_COLUMNS = {
    "training": st.column_config.NumberColumn("Training", pinned=True),
    "state": st.column_config.TextColumn("State"),
    "ndcg": st.column_config.NumberColumn("NDCG@10", format="%.4f", help="Best on the validation set."),
    "coverage": st.column_config.NumberColumn("Coverage", format=shared.PERCENT, help=meaning("catalogue coverage")),
    "test": st.column_config.NumberColumn("NDCG@10, test", format="%.4f", help="On the test set."),
    "source": st.column_config.TextColumn("From"),
    "started": st.column_config.DatetimeColumn("Started", format="D MMM YYYY, HH:mm"),
    "seconds": st.column_config.TextColumn("Took"),
    "epochs": st.column_config.NumberColumn("Passes"),
    "learner": st.column_config.TextColumn("Learner"),
    "regularisation": st.column_config.NumberColumn("Regularisation", format="%.3g"),
    "sharing": st.column_config.NumberColumn("Sharing", format="%.3g"),
    "popularity_lift": st.column_config.NumberColumn("Lift", format="%.3g"),
    "components": st.column_config.NumberColumn("Components"),
    "learning_rate": st.column_config.NumberColumn("Learning rate", format="%.4g"),
    "max_sampled": st.column_config.NumberColumn("Tried"),
    "item_alpha": st.column_config.TextColumn("Regularisation, products", help=meaning("regularisation")),
    "user_alpha": st.column_config.TextColumn("Regularisation, shoppers", help=meaning("regularisation")),
    "half_life_days": st.column_config.NumberColumn("Half-life", format="%.0f days"),
    "seed": st.column_config.NumberColumn("Seed"),
    "model": st.column_config.TextColumn("Model"),
    "dataset": None,
    "note": st.column_config.TextColumn("Note", width="large"),
    "tags": st.column_config.ListColumn("Tags"),
}
