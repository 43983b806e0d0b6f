#include "ownwire/metrics.h"

#include "serving/count_rows.h"

namespace flowersec::apps {
namespace {

using counts = ownwire::gateway_counts;

using enum count_kind;
using row = count_row<counts>;

constexpr row rows[] = {
    {&counts::sockets, "ownwire_user_sockets", "Sockets of users, also those on their way in.", now},
    {&counts::sessions, "ownwire_sessions", "Sessions, those without a connection included.", now},
    {&counts::detached, "ownwire_detached_sessions", "Sessions whose connection is lost.", now},
    {&counts::internal_clients, "ownwire_internal_clients", "Internal clients that are connected.", now},
    {&counts::waiting_texts, "ownwire_waiting_texts", "Texts that wait for an internal client.", now},
    {&counts::waiting_bytes, "ownwire_waiting_bytes", "Bytes of those texts.", now},
    {&counts::queued_bytes, "ownwire_internal_queue_bytes", "Bytes queued to internal clients.", now},
    {&counts::sessions_started, "ownwire_sessions_started_total", "New sessions.", since_start},
    {&counts::sessions_resumed, "ownwire_sessions_resumed_total", "Sessions that were taken up again.", since_start},
    {&counts::resumes_failed, "ownwire_resumes_failed_total", "Resume tokens that named no session.", since_start},
    {&counts::sessions_taken, "ownwire_sessions_taken_total", "Connections displaced by a newer one.", since_start},
    {&counts::sessions_expired, "ownwire_sessions_expired_total", "Sessions nobody came back to.", since_start},
    {&counts::sessions_evicted, "ownwire_sessions_evicted_total", "Sessions that made room for others.", since_start},
    {&counts::visitors_refused, "ownwire_visitors_refused_total", "Connections refused over a limit.", since_start},
    {&counts::origins_refused, "ownwire_origins_refused_total", "Connections refused for their Origin.", since_start},
    {&counts::opens_failed, "ownwire_opens_failed_total", "Connections that ended before their first frame.",
     since_start},
    {&counts::texts_taken, "ownwire_texts_taken_total", "Texts of users.", since_start},
    {&counts::texts_repeated, "ownwire_texts_repeated_total", "Texts that came a second time.", since_start},
    {&counts::texts_refused, "ownwire_texts_refused_total", "Texts too large or too many.", since_start},
    {&counts::texts_handed_over, "ownwire_texts_handed_over_total", "Texts queued to an internal client.", since_start},
    {&counts::texts_dropped, "ownwire_texts_dropped_total", "Texts that no internal client took in time.", since_start},
    {&counts::replies_taken, "ownwire_replies_taken_total", "Replies of internal clients.", since_start},
    {&counts::replies_dropped, "ownwire_replies_dropped_total", "Replies too many to keep for a lost connection.",
     since_start},
    {&counts::replies_ignored, "ownwire_replies_ignored_total", "Replies that were no message, or too large.",
     since_start},
    {&counts::replies_unknown_session, "ownwire_replies_unknown_session_total", "Replies to no session.", since_start},
    {&counts::users_too_slow, "ownwire_users_too_slow_total", "Users who did not take their replies.", since_start},
    {&counts::clients_stalled, "ownwire_clients_stalled_total", "Internal clients that took nothing for too long.",
     since_start},
};

}  // namespace

std::vector<metric_family> gateway_families(const counts& present) { return families_of<counts>(rows, present); }

}  // namespace flowersec::apps
