"""Writes the body that SendGrid's own Python library sends for the mail of `tests/it/witness.rs`.

    python3 -m venv /tmp/sendgrid && /tmp/sendgrid/bin/pip install -r requirements.txt
    /tmp/sendgrid/bin/python build_mail.py > mail.json
"""

import json

from sendgrid.helpers.mail import (
    ClickTracking,
    CustomArg,
    From,
    Ganalytics,
    Header,
    HtmlContent,
    Mail,
    OpenTracking,
    PlainTextContent,
    Subject,
    SubscriptionTracking,
    To,
    TrackingSettings,
)

MESSAGE_ID = "018f0000-0000-7000-8000-000000000001"

mail = Mail(
    from_email=From("no-reply@example.com", "Ashlar"),
    to_emails=To("ada@example.com"),
    subject=Subject("Welcome, zażółć \"Ada\""),
    plain_text_content=PlainTextContent("Line one\nhttps://example.com/?token=a&b=c\n"),
    html_content=HtmlContent('<p><a href="https://example.com/?token=a&amp;b=c">Go</a></p>'),
)
mail.header = Header("X-Ashlar-Message-Id", MESSAGE_ID)
mail.custom_arg = CustomArg("message_id", MESSAGE_ID)
mail.tracking_settings = TrackingSettings(
    click_tracking=ClickTracking(enable=False, enable_text=False),
    open_tracking=OpenTracking(enable=False),
    subscription_tracking=SubscriptionTracking(enable=False),
    ganalytics=Ganalytics(enable=False),
)

print(json.dumps(mail.get(), indent=2, ensure_ascii=False, sort_keys=True))
