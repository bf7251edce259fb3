"""What the view says, in English and Vietnamese: one table, one row for each thing that is said.

The words are those of the hall (quầy, số thứ tự, đường truyền ...). What devices, scenarios and the API say stays as
they said it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Final

__all__ = ["LABEL", "LANGUAGES", "Labels"]

LANGUAGES: Final = ("en", "vi")

LABEL: Final[Mapping[str, tuple[str, str]]] = MappingProxyType(
    {
        # -- the top
        "all_well": ("all well", "mọi thứ ổn"),
        "attention": ("attention", "cần chú ý"),
        "wrong": ("wrong", "có lỗi"),
        "ratings": ("ratings fetched", "đánh giá đã lấy"),
        "faults": ("faults", "lỗi cố ý"),
        "paused": ("stands", "tạm dừng"),
        "connecting": ("looking for a bench …", "đang tìm bàn thử …"),
        "gone": ("the bench has ended", "bàn thử đã kết thúc"),
        "waiting_for_it": (
            "What you see is its last state. The view goes on when it comes back; q leaves.",
            "Đây là trạng thái cuối. Màn hình sẽ tiếp tục khi nó trở lại; q để thoát.",
        ),
        "back": ("the bench is back", "bàn thử đã trở lại"),
        # -- groups and panels
        "hall": ("the hall", "bộ phận một cửa"),
        "counter": ("counter", "quầy"),
        "lines": ("lines", "đường truyền"),
        "queue": ("queue", "hàng chờ"),
        "wire": ("wire", "khung truyền"),
        "detail": ("device", "thiết bị"),
        "online": ("online", "trực tuyến"),
        "missed_appointments": ("missed appointments", "lỡ hẹn"),
        # -- counters
        "closed": ("closed", "đóng"),
        "free": ("free", "rảnh"),
        "called": ("called", "đã gọi"),
        "serving": ("serving", "đang phục vụ"),
        "break": ("break", "nghỉ"),
        # -- devices
        "no_power": ("no power", "mất điện"),
        "starting": ("starting up", "đang khởi động"),
        "dark": ("(dark)", "(tắt)"),
        "last": ("last", "vừa bấm"),
        "waiting_events": ("waiting", "chờ lấy"),
        "rating_open": ("rating open", "đang mời đánh giá"),
        "buzzer": ("♪ buzzer", "♪ còi"),
        "silent": ("silent", "im lặng"),
        "voice_idle": ("idle", "đang chờ"),
        "voice_speaking": ("speaking", "đang đọc"),
        "voice_paused": ("paused", "tạm dừng"),
        "left": ("left", "còn"),
        "ready": ("ready", "sẵn sàng"),
        "printing": ("printing", "đang in"),
        "paper": ("paper", "giấy"),
        "hanging": ("hanging", "chờ lấy"),
        "cover_open": ("cover open", "nắp mở"),
        "case_open": ("case open", "vỏ máy mở"),
        "supply_low": ("supply low", "nguồn yếu"),
        "feed_held": ("feed button held", "đang giữ nút đẩy giấy"),
        "cutter_error": ("cutter error", "lỗi dao cắt"),
        "head_hot": ("head too hot", "đầu in quá nóng"),
        "offline": ("off line", "ngoại tuyến"),
        "paper_jam": ("paper jam", "kẹt giấy"),
        "paper_end": ("paper out", "hết giấy"),
        "paper_near_end": ("paper runs low", "sắp hết giấy"),
        "events_lost": ("events lost", "sự kiện bị mất"),
        "queue_nearly_full": ("queue nearly full", "hàng đợi gần đầy"),
        "faults_live": ("faults live", "lỗi cố ý đang chạy"),
        "ratings_overflowed": ("ratings overflowed", "đánh giá bị tràn"),
        "events_held": ("events held long", "sự kiện chưa ai lấy"),
        "port_never_opened": ("no program has opened the port", "chưa có chương trình nào mở cổng"),
        "port_closed": ("the program has closed the port", "chương trình đã đóng cổng"),
        "held": ("held (XOFF)", "bị giữ (XOFF)"),
        # -- queue and lines
        "waiting": ("waiting", "đang chờ"),
        "longest": ("longest", "lâu nhất"),
        "wait_mean": ("mean wait", "chờ trung bình"),
        "p90": ("p90", "p90"),
        "served": ("served", "đã phục vụ"),
        "tickets": ("tickets", "số đã cấp"),
        "calls": ("calls", "lần gọi"),
        "next": ("next", "kế tiếp"),
        "open_ratings": ("open ratings", "đang mời đánh giá"),
        "held_events": ("held by devices", "còn trong thiết bị"),
        "oldest": ("oldest", "cũ nhất"),
        "none": ("none", "không có"),
        "house": ("house", "nội bộ"),
        "collisions": ("collisions", "đụng độ"),
        "damaged": ("damaged", "hỏng"),
        # -- the wire
        "following": ("following", "đang theo"),
        "holding": ("held", "dừng xem"),
        "filter": ("filter", "lọc"),
        "rows": ("rows", "dòng"),
        "missed": ("missed", "bị bỏ lỡ"),
        "no_rows": ("nothing yet", "chưa có gì"),
        "no_match": ("no row passes the filter", "không dòng nào khớp"),
        "nothing_then": ("nothing is kept from that time on", "không còn gì từ lúc đó"),
        "frame": ("frame", "khung"),
        "request": ("request", "yêu cầu"),
        "reply": ("reply", "trả lời"),
        "characters": ("characters", "ký tự"),
        "flaws": ("damaged characters", "ký tự hỏng"),
        # -- questions
        "ask_filter": ("Show rows with these words; -word: without it", "Hiện dòng có các từ này; -từ: không có"),
        "ask_time": ("Go to time, for example 09:42:17", "Đến thời điểm, ví dụ 09:42:17"),
        "ask_key": ("Key: 5 · held 3 s: 5 3 · two at once: 1+2", "Phím: 5 · giữ 3 giây: 5 3 · hai phím: 1+2"),
        "ask_clerk": ("Clerk's code", "Mã cán bộ"),
        "ask_metres": ("Length of the roll, metres", "Chiều dài cuộn giấy, mét"),
        "ask_args": ("Arguments, blanks between", "Tham số, cách nhau bằng dấu cách"),
        "ask_speed": ("Hall seconds in a real second, 0.1 to 10000", "Số giây trong một giây thật, 0.1 đến 10000"),
        "ask_step": ("Step how many seconds", "Nhảy bao nhiêu giây"),
        "ask_fault": (
            "Type to choose a fault; settings after it: bit_flip nth=3 rate=0.1 count=0",
            "Gõ để chọn lỗi; thiết lập theo sau: bit_flip nth=3 rate=0.1 count=0",
        ),
        "not_a_number": ("that is no number", "đó không phải là số"),
        "not_a_time": ("that is no time of day; write 09:42 or 09:42:17", "không phải giờ; viết 09:42 hoặc 09:42:17"),
        "bad_setting": ("settings are NAME=VALUE, for example nth=3", "thiết lập là TÊN=GIÁ TRỊ, ví dụ nth=3"),
        "ignored": ("took no notice", "không phản ứng"),
        "done": ("done", "xong"),
        "faults_ended": ("faults ended", "lỗi đã dừng"),
        "no_fault_here": ("no such fault", "không có lỗi này"),
        "saved": ("saved", "đã lưu"),
        "cannot_save": ("cannot be saved", "không lưu được"),
        "fixed_clock": ("the clock cannot be steered", "không điều khiển được đồng hồ"),
        # -- keys and commands
        "key_press": ("press", "bấm phím"),
        "key_fault": ("fault", "gây lỗi"),
        "key_clear": ("clear faults", "dừng lỗi"),
        "key_pause": ("pause", "dừng"),
        "key_resume": ("resume", "chạy"),
        "key_step": ("step 1 s", "nhảy 1 s"),
        "key_speed": ("speed", "tốc độ"),
        "key_filter": ("filter", "lọc"),
        "key_case": ("case", "vỏ máy"),
        "key_hold": ("hold", "dừng xem"),
        "key_follow": ("follow", "theo"),
        "key_goto": ("go to time", "đến lúc"),
        "key_detail": ("detail", "chi tiết"),
        "search_commands": ("Search for commands…", "Tìm lệnh…"),
        "key_commands": ("commands", "lệnh"),
        "key_help": ("help", "trợ giúp"),
        "key_next": ("next alarm", "cảnh báo kế"),
        "key_quit": ("quit", "thoát"),
        "key_language": ("Tiếng Việt", "English"),
        "key_screenshot": ("picture of the screen", "chụp màn hình"),
        "key_theme": ("light or dark", "sáng hay tối"),
        "key_move": ("move", "di chuyển"),
        "key_close": ("close", "đóng"),
        "do_faster": ("twice as fast", "nhanh gấp đôi"),
        "do_slower": ("half as fast", "chậm một nửa"),
        "do_wall": ("speed 1x", "tốc độ 1x"),
        "do_step_minute": ("step 1 min", "nhảy 1 phút"),
        "do_step": ("step …", "nhảy …"),
        "do_speed": ("speed …", "tốc độ …"),
        "end_fault": ("end fault", "dừng lỗi"),
        "select": ("select", "chọn"),
        # -- hands
        "hands": ("hands", "thao tác"),
        "registers": ("registers", "thanh ghi"),
        "events": ("last events", "sự kiện gần đây"),
        "state": ("state", "trạng thái"),
        "act_press": ("press key", "bấm phím"),
        "act_press_other": ("press …", "bấm …"),
        "act_log_in": ("log in …", "đăng nhập …"),
        "act_log_out": ("log out", "đăng xuất"),
        "act_tamper_on": ("open the case (tamper)", "mở vỏ máy"),
        "act_tamper_off": ("close the case", "đóng vỏ máy"),
        "act_supply_on": ("supply runs low", "nguồn yếu"),
        "act_supply_off": ("supply is good again", "nguồn tốt lại"),
        "act_open_cover": ("open the cover", "mở nắp"),
        "act_close_cover": ("close the cover", "đóng nắp"),
        "act_load_paper": ("load a roll of 80 m", "thay cuộn giấy 80 m"),
        "act_load_paper_other": ("load a roll of …", "thay cuộn giấy …"),
        "act_take_paper": ("take the ticket", "lấy phiếu"),
        "act_hold_feed": ("hold the feed button", "giữ nút đẩy giấy"),
        "act_release_feed": ("release the feed button", "thả nút đẩy giấy"),
        "act_jam_paper": ("jam the paper", "làm kẹt giấy"),
        "act_clear_jam": ("clear the jam", "gỡ kẹt giấy"),
        "act_jam_cutter": ("jam the cutter", "làm kẹt dao"),
        "act_free_cutter": ("free the cutter", "gỡ dao cắt"),
        "act_overheat": ("overheat the head", "làm nóng đầu in"),
        "act_cool_down": ("let the head cool down", "để đầu in nguội"),
        "act_reset_switch": ("push the reset switch", "nhấn nút khởi động lại"),
        "act_unplug": ("unplug", "rút điện"),
        "act_plug_in": ("plug in", "cắm điện"),
        # -- help
        "help_tile": (
            (
                "A device as people see it. Arrow keys or the mouse choose a tile; Enter shows all of it. "
                "Digits press a key of a keypad, a click on a key presses it too. The sign before the name: ·"
                " idle, ▸ busy, ▲ attention, ✖ wrong."
            ),
            (
                "Thiết bị như người ta nhìn thấy. Phím mũi tên hoặc chuột để chọn; Enter xem đầy đủ. Phím số "
                "bấm phím của bàn phím, nhấp chuột vào phím cũng vậy. Dấu trước tên: · rảnh, ▸ bận, ▲ chú ý, "
                "✖ lỗi."
            ),
        ),
        "help_wire": (
            (
                "What goes over the lines, decoded. → goes to the devices, ← comes from them, ! is a fault, "
                "an act or the clock; ✖ counts damaged characters. Up and Down hold the log and choose a row,"
                " Enter shows its bytes, End follows again. The latest 20,000 rows are kept."
            ),
            (
                "Những gì đi trên đường truyền, đã giải mã. → đến thiết bị, ← từ thiết bị, ! là lỗi, thao tác"
                " hay đồng hồ; ✖ là số ký tự hỏng. Lên, Xuống dừng và chọn dòng, Enter xem các byte, End theo"
                " tiếp. Giữ 20.000 dòng mới nhất."
            ),
        ),
        "help_lines": (
            (
                "Each line with its load over the last minute (█ is 100 %), frames a second, damage and "
                "collisions, and whether the program under test has its port open."
            ),
            (
                "Mỗi đường truyền với tải trong phút vừa qua (█ là 100 %), số khung mỗi giây, hỏng và đụng "
                "độ, và chương trình được thử đã mở cổng chưa."
            ),
        ),
        "help_queue": (
            (
                "Who waits and how long, half an hour in bars; waits from the ticket to the call; ratings "
                "that are open; events that devices still hold because nobody has fetched them."
            ),
            (
                "Ai đang chờ và bao lâu, nửa giờ qua bằng cột; thời gian từ lấy số đến gọi; đánh giá đang "
                "mời; sự kiện còn trong thiết bị vì chưa ai lấy."
            ),
        ),
        "help_all": ("Keys everywhere", "Phím ở mọi nơi"),
    }
)
"""Key -> (English, Vietnamese)."""

_WEEKDAY: Final = (
    ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    ("T2", "T3", "T4", "T5", "T6", "T7", "CN"),
)
_MONTH: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Labels:
    """The table in one language.

    Args:
        language: "en" or "vi".

    Raises:
        ValueError: another language.
    """

    def __init__(self, language: str = "en") -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language {language!r} is not one of {', '.join(LANGUAGES)}")
        self.language = language
        self._column = LANGUAGES.index(language)

    def __call__(self, key: str) -> str:
        """What is said; the key itself, with blanks, when the table does not have it."""
        row = LABEL.get(key)
        return row[self._column] if row else key.removeprefix("act_").replace("_", " ")

    def day(self, iso: str) -> str:
        """A date: "Mon 10 Mar 2025", "T2 10/03/2025"; as it is when it is no date."""
        try:
            day = date.fromisoformat(iso)
        except (TypeError, ValueError):
            return iso
        name = _WEEKDAY[self._column][day.weekday()]
        return f"{name} {day:%d/%m/%Y}" if self._column else f"{name} {day.day} {_MONTH[day.month - 1]} {day.year}"
