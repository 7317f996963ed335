# fence.sh: makes sure that a guest does not run, and says so only when that was seen. The domain stays defined.
# DOMAIN UUID GENERATION
lock "$DOMAIN"
look
[ -n "$found" ] || already
[ "$found" = "$GENERATION" ] || moved "$DOMAIN is in another life ($found) than the plan saw ($GENERATION)"
active || already
end_domain
